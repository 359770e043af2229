# terraform apply -invoke=action.servicestage_start_build.once
action "servicestage_start_build" "once" {
  config {
    job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
  }
}

resource "servicestage_build_job" "checkout" {
  job_name = "checkout-service"

  environment_setting {}

  code_repo {
    type      = "GitHub"
    url       = "https://github.com/acme/checkout"
    branch    = "main"
    namespace = "acme"
  }

  # Each new and each changed job is built at once, and the apply fails if the build does.
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.servicestage_start_build.checkout]
    }
  }
}

action "servicestage_start_build" "checkout" {
  config {
    job_id  = servicestage_build_job.checkout.job_id
    timeout = "45m"
  }
}
