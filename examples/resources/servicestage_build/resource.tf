# Built once, when it is applied first.
resource "servicestage_build" "once" {
  job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
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
}

# Built once for each release, and whenever the repository of the job changes.
resource "servicestage_build" "checkout" {
  job_id = servicestage_build_job.checkout.job_id

  triggers = {
    release = "2025.11"
    branch  = servicestage_build_job.checkout.code_repo.branch
  }

  timeouts {
    create = "45m"
  }
}

output "built_commit" {
  value = servicestage_build.checkout.commit_id
}
