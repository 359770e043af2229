data "servicestage_build_job" "checkout" {
  job_name = "checkout-service"
}

data "servicestage_builds" "checkout" {
  job_id = data.servicestage_build_job.checkout.job_id
}

# The newest successful build, null if there is none
output "newest_successful_build" {
  value = try([for build in data.servicestage_builds.checkout.builds : build.build_id if build.state == "Successful"][0], null)
}

# Details of the newest build, if the build job has been built
data "servicestage_build" "newest" {
  count = length(data.servicestage_builds.checkout.builds) > 0 ? 1 : 0

  build_id = data.servicestage_builds.checkout.builds[0].build_id
}

output "newest_commit" {
  value = one(data.servicestage_build.newest[*].commit_id)
}
