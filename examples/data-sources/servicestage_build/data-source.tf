# The state of a build
data "servicestage_build" "checkout" {
  build_id = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
}

output "state" {
  value = data.servicestage_build.checkout.state
}

# The failed phases and the last 64 KiB of the log
data "servicestage_build" "failed" {
  build_id  = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
  log_limit = 65536
}

output "failed_phases" {
  value = [for phase in data.servicestage_build.failed.phases : phase.name if phase.state == "Failed"]
}

output "log" {
  value = data.servicestage_build.failed.log
}
