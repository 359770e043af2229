# The smallest job.
resource "servicestage_build_job" "smallest" {
  job_name = "base-image"

  environment_setting {}
}

# A job that builds a repository on a CCE cluster.
resource "servicestage_build_job" "checkout" {
  job_name        = "checkout-service"
  job_description = "Builds the checkout image"

  environment_setting {
    docker_version = "18.09"
    cluster_id     = "7a9d4e1c-52f1-11ee-9f4c-0255ac100044"
    cluster_name   = "build"

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

  timeouts {
    create = "10m"
  }
}
