variable "access_key" {
  type      = string
  sensitive = true
  default   = null # HW_ACCESS_KEY is used
}

variable "secret_key" {
  type      = string
  sensitive = true
  default   = null # HW_SECRET_KEY is used
}

provider "servicestage" {
  region     = "cn-north-4"
  access_key = var.access_key
  secret_key = var.secret_key
}
