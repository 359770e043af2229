data "servicestage_builds" "checkout" {
  job_id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
}

output "good_builds" {
  description = "The newest first."
  value       = [for build in data.servicestage_builds.checkout.builds : build.build_id if build.state == "Successful"]
}

# All there is to know of the newest.
data "servicestage_build" "newest" {
  build_id = data.servicestage_builds.checkout.builds[0].build_id
}

output "newest_commit" {
  value = data.servicestage_build.newest.commit_id
}
