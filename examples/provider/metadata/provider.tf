# Nothing else is set: the keys are those of the agency of the cloud server on which Terraform runs.
provider "servicestage" {
  region = "cn-north-4"
}
