terraform {
  required_providers {
    servicestage = {
      source = "servicestage/servicestage"
    }
  }
}

# Credentials come from the environment, such as HW_ACCESS_KEY and HW_SECRET_KEY
provider "servicestage" {
  region = "cn-north-4"
}
