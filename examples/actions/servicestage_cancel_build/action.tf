# terraform apply -invoke=action.servicestage_cancel_build.runaway
action "servicestage_cancel_build" "runaway" {
  config {
    build_id = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
  }
}

# The last build of a build job: terraform apply -invoke=action.servicestage_cancel_build.last
data "servicestage_build_job" "checkout" {
  job_name = "checkout-service"
}

action "servicestage_cancel_build" "last" {
  config {
    build_id = data.servicestage_build_job.checkout.last_build_id
  }
}
