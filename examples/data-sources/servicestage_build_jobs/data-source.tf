# Names and IDs of all build jobs
data "servicestage_build_jobs" "all" {}

# All attributes of the build jobs of one team
data "servicestage_build_jobs" "checkout" {
  job_name_prefix = "checkout-"
  details         = true
}

output "without_repository" {
  description = "Names of the team's build jobs that have no repository."
  value       = [for job in data.servicestage_build_jobs.checkout.jobs : job.job_name if job.code_repo == null]
}
