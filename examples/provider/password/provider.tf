# The password comes from HW_USER_PASSWORD
provider "servicestage" {
  region      = "cn-north-4"
  user_name   = "ci"
  domain_name = "acme"
}
