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

resource "servicestage_build" "checkout" {
  job_id   = servicestage_build_job.checkout.job_id
  triggers = { release = "2025.11" }
}

# Stands for what deploys, such as a component of ServiceStage. It comes after the build, and not at all if the build fails.
resource "terraform_data" "deployment" {
  input = {
    commit = servicestage_build.checkout.commit_id
    build  = servicestage_build.checkout.index
  }
}
