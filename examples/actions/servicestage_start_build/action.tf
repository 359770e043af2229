# Build a job whenever it is created or changed (Terraform 1.16 or later)
resource "servicestage_build_job" "checkout" {
  job_name = "checkout-service"

  environment_setting {
    use_public_cluster = true

    build_os {
      arch = "x86_64"
    }
  }

  code_repo {
    type      = "GitHub"
    url       = "https://github.com/acme/checkout"
    branch    = "main"
    namespace = "acme"
  }

  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.servicestage_start_build.checkout]
    }
  }
}

# Also on demand: terraform apply -invoke=action.servicestage_start_build.checkout
action "servicestage_start_build" "checkout" {
  config {
    job_id  = caller.job_id
    timeout = "45m"
  }
}
