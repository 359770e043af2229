variable "services" {
  description = "Services to build, by the name of the build job. A service without a repository gets a build job without one."
  type = map(object({
    description = optional(string)
    arch        = optional(string, "x86_64")
    repository = optional(object({
      type      = optional(string, "GitHub")
      url       = string
      branch    = optional(string, "main")
      namespace = string
    }))
  }))

  validation {
    condition     = alltrue([for name in keys(var.services) : length(name) <= 40])
    error_message = "Names of services must have at most 40 characters."
  }
}

variable "cluster" {
  description = "CCE cluster that runs the builds. If null, the builds run on a public cluster."
  type = object({
    id   = string
    name = string
  })
  default = null
}

variable "docker_version" {
  description = "Docker version of the builds. If null, ServiceStage chooses it."
  type        = string
  default     = null
}

variable "enterprise_project_id" {
  description = "ID of the enterprise project. If null, the provider's enterprise_project_id applies."
  type        = string
  default     = null
}
