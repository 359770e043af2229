# The source credentials come from the environment, such as HW_ACCESS_KEY and HW_SECRET_KEY
provider "servicestage" {
  region = "cn-north-4"

  assume_role {
    agency_name = "terraform"
    domain_name = "acme-production"
  }
}
