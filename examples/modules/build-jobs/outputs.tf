output "job_ids" {
  description = "ID of each build job, by its name."
  value       = { for name, job in servicestage_build_job.this : name => job.job_id }
}

output "branches" {
  description = "Branch of each build job with a repository, by the name of the build job."
  value       = { for name, job in servicestage_build_job.this : name => job.code_repo.branch if job.code_repo != null }
}
