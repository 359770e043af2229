# The token comes from HW_AUTH_TOKEN
provider "servicestage" {
  region = "cn-north-4"
}
