terraform {
  required_version = ">= 1.5"

  required_providers {
    servicestage = {
      source = "servicestage/servicestage"
    }
  }
}

# Region and credentials come from HW_REGION_NAME, HW_ACCESS_KEY and HW_SECRET_KEY
provider "servicestage" {}

module "build_jobs" {
  source = "./build-jobs"

  docker_version = "18.09"

  services = {
    checkout-service = {
      description = "Builds the checkout image"
      repository  = { url = "https://github.com/acme/checkout", namespace = "acme" }
    }
    checkout-service-arm = {
      description = "Builds the checkout image for Kunpeng nodes"
      arch        = "aarch64"
      repository  = { url = "https://github.com/acme/checkout", namespace = "acme" }
    }
    catalogue-service = {
      repository = { type = "GitLab", url = "https://gitlab.com/acme/catalogue", branch = "release", namespace = "acme" }
    }
    base-image = {
      description = "Repository to be added"
    }
  }
}

output "job_ids" {
  description = "ID of each build job, by its name."
  value       = module.build_jobs.job_ids
}
