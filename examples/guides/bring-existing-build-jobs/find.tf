terraform {
  required_providers {
    servicestage = {
      source = "servicestage/servicestage"
    }
  }
}

# Region, project and credentials come from the environment
provider "servicestage" {}

data "servicestage_build_jobs" "all" {}

# An import block for each build job; an address cannot begin with a digit, so it gets an underscore
output "imports" {
  value = join("\n", [for job in data.servicestage_build_jobs.all.jobs : <<-EOT
    import {
      to = servicestage_build_job.${replace(job.job_name, "/^[^A-Za-z]/", "_$0")}
      id = "${job.job_id}"
    }
  EOT
  ])
}
