variable "night" {
  type        = string
  description = "The night's date. CI runs: terraform apply -var night=$(date +%F)"
  default     = "2025-11-14"
}

data "servicestage_build_job" "checkout" {
  job_name = "checkout-service"
}

resource "servicestage_build" "nightly" {
  job_id   = data.servicestage_build_job.checkout.job_id
  triggers = { night = var.night }

  timeouts {
    create = "2h"
  }
}
