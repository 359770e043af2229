# All build jobs, with what Terraform needs to generate their configuration. Without a limit, Terraform takes 100.
list "servicestage_build_job" "all" {
  provider         = servicestage
  include_resource = true
  limit            = 1000
}

# Those of one team.
list "servicestage_build_job" "checkout" {
  provider = servicestage

  config {
    job_name_prefix = "checkout-"
  }
}
