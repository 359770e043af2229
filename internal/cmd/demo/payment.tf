resource "servicestage_build_job" "payment" {
  job_name = "payment-service"

  environment_setting {
    use_public_cluster = true
  }
}
