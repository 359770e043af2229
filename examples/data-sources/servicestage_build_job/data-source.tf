# By name, which has to be exact.
data "servicestage_build_job" "checkout" {
  job_name = "checkout-service"
}

# By id.
data "servicestage_build_job" "catalogue" {
  job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
}

output "branch" {
  description = "Branch that the checkout service is built from."
  value       = one(data.servicestage_build_job.checkout.code_repo[*].branch)
}
