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
}

# A build for each release and for each change of the branch
resource "servicestage_build" "checkout" {
  job_id = servicestage_build_job.checkout.job_id

  triggers = {
    release = "2026.11"
    branch  = servicestage_build_job.checkout.code_repo.branch
  }

  timeouts {
    create = "45m"
  }
}

# A single build of a build job that is managed outside Terraform
resource "servicestage_build" "once" {
  job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
}

output "built_commit" {
  description = "Commit of the checkout service that was built."
  value       = servicestage_build.checkout.commit_id
}
