variables {
  services = {
    checkout-service = {
      repository = { url = "https://github.com/acme/checkout", namespace = "acme" }
    }
    base-image = {}
  }
}

run "creates_a_build_job_for_each_service" {
  assert {
    condition     = length(output.job_ids) == 2
    error_message = "There must be one build job for each service."
  }

  assert {
    condition     = output.branches == { checkout-service = "main" }
    error_message = "Only the service with a repository must have a branch, main by default."
  }

  assert {
    condition     = alltrue([for job in servicestage_build_job.this : job.environment_setting.use_public_cluster])
    error_message = "Builds must run on a public cluster by default."
  }
}

run "updates_a_branch" {
  variables {
    services = {
      checkout-service = {
        repository = { url = "https://github.com/acme/checkout", namespace = "acme", branch = "release" }
      }
      base-image = {}
    }
  }

  assert {
    condition     = output.branches["checkout-service"] == "release"
    error_message = "The build job must have the new branch."
  }
}

run "builds_on_a_cluster" {
  variables {
    cluster = { id = "7a9d4e1c-52f1-11ee-9f4c-0255ac100044", name = "build" }
  }

  assert {
    condition     = alltrue([for job in servicestage_build_job.this : job.environment_setting.cluster_name == "build"])
    error_message = "Builds must run on the configured cluster."
  }
}

run "rejects_a_long_name" {
  command = plan

  variables {
    services = { (join("", [for _ in range(41) : "a"])) = {} }
  }

  expect_failures = [var.services]
}
