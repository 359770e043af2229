import {
  to = servicestage_build_job.billing
  id = "name/billing-service"
}

resource "servicestage_build_job" "billing" {
  job_name = "billing-service"

  environment_setting {
    use_public_cluster = true
  }
}
