# The token comes from the environment: HW_AUTH_TOKEN. It is for one project, and lives for 24 hours.
provider "servicestage" {
  region = "cn-north-4"
}
