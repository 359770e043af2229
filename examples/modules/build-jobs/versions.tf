terraform {
  required_version = ">= 1.5"

  required_providers {
    servicestage = {
      source = "servicestage/servicestage"
    }
  }
}
