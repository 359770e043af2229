terraform {
  required_providers {
    servicestage = {
      source = "servicestage/servicestage"
    }
  }
}

# Region and credentials come from HW_REGION_NAME, HW_ACCESS_KEY and HW_SECRET_KEY
provider "servicestage" {}

variable "services" {
  description = "Services to build, by the name of the build job."
  type = map(object({
    description = optional(string)
    arch        = optional(string, "x86_64")
    repository = optional(object({
      type      = optional(string, "GitHub")
      url       = string
      branch    = optional(string, "main")
      namespace = string
    }))
  }))
  default = {
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

resource "servicestage_build_job" "service" {
  for_each = var.services

  job_name        = each.key
  job_description = each.value.description

  environment_setting {
    docker_version     = "18.09"
    use_public_cluster = true

    build_os {
      arch = each.value.arch
    }
  }

  dynamic "code_repo" {
    for_each = each.value.repository[*]

    content {
      type      = code_repo.value.type
      url       = code_repo.value.url
      branch    = code_repo.value.branch
      namespace = code_repo.value.namespace
    }
  }
}

# A build of the checkout service, repeated when its branch changes
resource "servicestage_build" "checkout" {
  job_id = servicestage_build_job.service["checkout-service"].job_id

  triggers = {
    branch = servicestage_build_job.service["checkout-service"].code_repo.branch
  }
}

output "built_commit" {
  description = "Commit of the checkout service that was built."
  value       = servicestage_build.checkout.commit_id
}

output "job_ids" {
  description = "ID of each build job."
  value       = { for name, job in servicestage_build_job.service : name => job.job_id }
}
