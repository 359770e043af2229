# Names and ids of all build jobs.
data "servicestage_build_jobs" "all" {}

# All there is to know of those of one team.
data "servicestage_build_jobs" "checkout" {
  job_name_prefix = "checkout-"
  details         = true
}

output "without_repository" {
  description = "Build jobs of the team that build no repository."
  value       = [for job in data.servicestage_build_jobs.checkout.jobs : job.job_name if job.code_repo == null]
}
