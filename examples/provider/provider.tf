terraform {
  required_providers {
    servicestage = {
      source = "servicestage/servicestage"
    }
  }
}

# Credentials come from the environment: HW_ACCESS_KEY and HW_SECRET_KEY, or HW_AUTH_TOKEN.
provider "servicestage" {
  region     = "cn-north-4"
  project_id = "0b9f0fd2ac80264e2f9ac01b7d24dc1f"
}
