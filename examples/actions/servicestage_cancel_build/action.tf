# terraform apply -invoke=action.servicestage_cancel_build.runaway
action "servicestage_cancel_build" "runaway" {
  config {
    build_id = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
  }
}
