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

resource "servicestage_build" "checkout" {
  job_id   = servicestage_build_job.checkout.job_id
  triggers = { release = "2026.11" }
}

# A deployment, represented by a terraform_data resource, that starts after a successful build only
resource "terraform_data" "deployment" {
  input = {
    commit = servicestage_build.checkout.commit_id
    build  = servicestage_build.checkout.index
  }
}
