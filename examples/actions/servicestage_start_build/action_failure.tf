# Continue the apply if the build fails, and start another build after a resource is destroyed (Terraform 1.16 or later)
resource "servicestage_build_job" "docs" {
  job_name = "documentation"

  environment_setting {
    use_public_cluster = true

    build_os {
      arch = "x86_64"
    }
  }

  lifecycle {
    action_trigger {
      events     = [after_create, after_update]
      actions    = [action.servicestage_start_build.docs]
      on_failure = continue
    }
  }
}

resource "terraform_data" "environment" {
  lifecycle {
    action_trigger {
      events  = [after_destroy]
      actions = [action.servicestage_start_build.cleanup]
    }
  }
}

action "servicestage_start_build" "docs" {
  config {
    job_id = caller.job_id
  }
}

action "servicestage_start_build" "cleanup" {
  config {
    job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
  }
}
