# Build a job whenever it is created or changed (Terraform 1.14 and 1.15)
resource "servicestage_build_job" "payment" {
  job_name = "payment-service"

  environment_setting {
    use_public_cluster = true

    build_os {
      arch = "x86_64"
    }
  }

  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.servicestage_start_build.payment]
    }
  }
}

action "servicestage_start_build" "payment" {
  config {
    job_id = servicestage_build_job.payment.job_id
  }
}

# Build an existing job on demand: terraform apply -invoke=action.servicestage_start_build.once
action "servicestage_start_build" "once" {
  config {
    job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
  }
}
