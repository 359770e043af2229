# All build jobs with their attributes, for -generate-config-out (Terraform stops after 100 without a limit)
list "servicestage_build_job" "all" {
  provider         = servicestage
  include_resource = true
  limit            = 1000
}

# The build jobs of one team
list "servicestage_build_job" "checkout" {
  provider = servicestage

  config {
    job_name_prefix = "checkout-"
  }
}
