# A build job that builds on a public cluster
resource "servicestage_build_job" "checkout" {
  job_name        = "checkout-service"
  job_description = "Builds the checkout image"

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

# A build job that builds on a CCE cluster
resource "servicestage_build_job" "catalogue" {
  job_name = "catalogue-service"

  environment_setting {
    docker_version = "18.09"
    cluster_id     = "7a9d4e1c-52f1-11ee-9f4c-0255ac100044"
    cluster_name   = "build"

    build_os {
      arch = "aarch64"
    }
  }

  code_repo {
    type      = "GitLab"
    url       = "https://gitlab.com/acme/catalogue"
    branch    = "release"
    namespace = "acme"
  }

  timeouts {
    create = "10m"
  }
}

# A build job with the required arguments only
resource "servicestage_build_job" "base_image" {
  job_name = "base-image"

  environment_setting {}
}
