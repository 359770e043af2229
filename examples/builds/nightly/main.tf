variable "night" {
  type        = string
  description = "Date of the build, such as 2026-11-25. A new date starts a new build."
  default     = "2026-11-25"
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
