# Without other credentials, the provider uses the agency of the cloud server (ECS) on which Terraform runs
provider "servicestage" {
  region = "cn-north-4"
}
