terraform {
  required_providers {
    servicestage = { source = "servicestage/servicestage" }
  }
}

resource "servicestage_build_job" "minimal" {
  job_name = "minimal"
  environment_setting {}
}

resource "servicestage_build_job" "complete" {
  job_name              = "complete"
  job_description       = "All arguments"
  enterprise_project_id = "0"

  environment_setting {
    docker_version     = "18.09"
    cluster_id         = "0a1b2c3d-0000-1111-2222-333344445555"
    cluster_name       = "builders"
    use_public_cluster = false

    build_os {
      arch = "aarch64"
    }
  }

  code_repo {
    type      = "GitHub"
    url       = "https://github.com/acme/app"
    branch    = "main"
    namespace = "acme"
  }

  timeouts {
    create = "10m"
    update = "10m"
    delete = "10m"
  }
}

resource "servicestage_build" "app" {
  job_id   = servicestage_build_job.complete.job_id
  triggers = { branch = servicestage_build_job.complete.code_repo.branch }
}
