# By exact name
data "servicestage_build_job" "checkout" {
  job_name = "checkout-service"
}

# By ID
data "servicestage_build_job" "catalogue" {
  job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
}

output "branch" {
  description = "Branch of the checkout service, null if the build job has no repository."
  value       = one(data.servicestage_build_job.checkout.code_repo[*].branch)
}
