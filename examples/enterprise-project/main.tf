terraform {
  required_providers {
    servicestage = {
      source = "servicestage/servicestage"
    }
  }
}

# Credentials and project come from the environment
provider "servicestage" {
  region                = "cn-north-4"
  enterprise_project_id = "c3f6a1d2-84f7-4a0e-9a5d-6f0f3f2a7b11"
}

# In the enterprise project of the provider
resource "servicestage_build_job" "checkout" {
  job_name = "checkout"

  environment_setting {}
}

# In the default enterprise project
resource "servicestage_build_job" "base_image" {
  job_name              = "runtime-image"
  enterprise_project_id = "0"

  environment_setting {}
}
