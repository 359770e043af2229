variable "access_key" {
  type      = string
  sensitive = true
  default   = null # Then HW_ACCESS_KEY counts.
}

variable "secret_key" {
  type      = string
  sensitive = true
  default   = null # Then HW_SECRET_KEY counts.
}

provider "servicestage" {
  region     = "cn-north-4"
  access_key = var.access_key
  secret_key = var.secret_key
}
