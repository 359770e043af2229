terraform {
  required_providers {
    servicestage = {
      source = "servicestage/servicestage"
    }
  }
}

# Region, project and credentials come from the environment.
provider "servicestage" {}

data "servicestage_build_jobs" "all" {}

# An import block for each job. An address cannot begin with a digit, as a name can: there an underscore goes in front.
output "imports" {
  value = join("\n", [for job in data.servicestage_build_jobs.all.jobs : <<-EOT
    import {
      to = servicestage_build_job.${replace(job.job_name, "/^[^A-Za-z]/", "_$0")}
      id = "${job.job_id}"
    }
  EOT
  ])
}
