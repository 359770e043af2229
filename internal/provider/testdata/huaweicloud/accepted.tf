# Provider blocks such as those of the documentation and the tests of huaweicloud/huaweicloud. Each of them plans.
# The environment sets HW_ACCESS_KEY, HW_SECRET_KEY, HW_REGION_NAME and the endpoints.

variable "server" {}

variable "server_of_temporary_key" {}

# Environment variables only.
provider "servicestage" {
  alias = "environment"
}

provider "servicestage" {
  alias  = "region"
  region = "cn-north-4"
}

provider "servicestage" {
  alias      = "static_keys"
  region     = "cn-north-4"
  access_key = "EMULATORACCESSKEY"
  secret_key = "emulator-secret-key"
}

provider "servicestage" {
  alias          = "temporary_key"
  region         = "cn-north-4"
  access_key     = "EMULATORACCESSKEY"
  secret_key     = "emulator-secret-key"
  security_token = "emulator-security-token"

  endpoints = {
    servicestage = var.server_of_temporary_key
    iam          = var.server_of_temporary_key
  }
}

provider "servicestage" {
  alias              = "profile"
  shared_config_file = "config.json"
  profile            = "customprofile"
}

provider "servicestage" {
  alias              = "current_profile"
  region             = "cn-east-3"
  shared_config_file = "config.json"
}

# The account by its name.
provider "servicestage" {
  alias      = "assume_role"
  region     = "cn-north-4"
  access_key = "EMULATORACCESSKEY"
  secret_key = "emulator-secret-key"

  assume_role {
    agency_name = "emulator-agency"
    domain_name = "emulator-domain"
  }
}

# The account by its ID, with a duration.
provider "servicestage" {
  alias = "assume_role_duration"

  assume_role {
    agency_name = "emulator-agency"
    domain_id   = "DOMAIN_ID"
    duration    = 7200
  }
}

# A duration of 0 means the default.
provider "servicestage" {
  alias = "no_duration"

  assume_role {
    agency_name = "emulator-agency"
    domain_name = "emulator-domain"
    duration    = 0
  }
}

# Warning: Short duration
provider "servicestage" {
  alias = "short_duration"

  assume_role {
    agency_name = "emulator-agency"
    domain_name = "emulator-domain"
    duration    = 600
  }
}

# The second agency is assumed with the keys of the first.
provider "servicestage" {
  alias = "agency_chain"

  assume_role {
    agency_name = "emulator-agency"
    domain_name = "emulator-domain"
  }
  assume_role {
    agency_name = "emulator-agency"
    domain_id   = "DOMAIN_ID"
  }
}

provider "servicestage" {
  alias  = "oidc"
  region = "cn-north-4"

  assume_role_with_oidc {
    agency_name = "emulator-agency"
    domain_id   = "DOMAIN_ID"
    idp_id      = "emulator-idp"
    id_token    = "emulator-id-token"
  }
}

provider "servicestage" {
  alias  = "oidc_file"
  region = "cn-north-4"

  assume_role_with_oidc {
    agency_name   = "emulator-agency"
    domain_id     = "DOMAIN_ID"
    idp_id        = "emulator-idp"
    id_token_file = "id_token"
    duration      = 3600
  }
}

# A token of an agency.
provider "servicestage" {
  alias              = "delegated"
  region             = "cn-north-4"
  access_key         = "EMULATORACCESSKEY"
  secret_key         = "emulator-secret-key"
  domain_id          = "DOMAIN_ID"
  agency_name        = "emulator-agency"
  agency_domain_name = "emulator-domain"
  delegated_project  = "cn-north-4"
}

# Warning: Unused project
provider "servicestage" {
  alias             = "no_agency"
  delegated_project = "cn-north-4_sub"
}

provider "servicestage" {
  alias        = "subproject"
  region       = "cn-north-4"
  project_name = "cn-north-4_sub"
  token        = "emulator-token"
}

provider "servicestage" {
  alias       = "user"
  region      = "cn-north-4"
  domain_name = "emulator-domain"
  user_name   = "emulator-user"
  password    = "emulator-password"
}

# Another cloud with the same API.
provider "servicestage" {
  alias                 = "private_cloud"
  region                = "RegionOne"
  cloud                 = "Example.Com"
  auth_url              = "${var.server}/v3"
  domain_name           = "emulator-domain"
  user_name             = "emulator-user"
  password              = "emulator-password"
  enterprise_project_id = "0"
  insecure              = true
  max_retries           = 10
}

# A region whose name has underscores.
provider "servicestage" {
  alias  = "underscores"
  region = "my_region_1"
}

provider "servicestage" {
  alias       = "certificate_file"
  cacert_file = "ca.pem"
}

provider "servicestage" {
  alias       = "certificate"
  cacert_file = file("ca.pem")
}

# Warning: Unused endpoint
provider "servicestage" {
  alias = "endpoints"

  endpoints = {
    ecs          = "https://ecs-customizing-endpoint.com"
    iotda        = "https://iotda.example.com"
    iam          = var.server
    sts          = var.server
    servicestage = var.server
  }
}

provider "servicestage" {
  alias     = "servicestagev2"
  endpoints = { servicestagev2 = var.server }
}

# Warning: Several credentials
provider "servicestage" {
  alias       = "keys_and_user"
  region      = "cn-north-4"
  domain_name = "emulator-domain"
  access_key  = "EMULATORACCESSKEY"
  secret_key  = "emulator-secret-key"
  user_name   = "emulator-user"
  password    = "emulator-password"
}

# Warning: Several credentials
provider "servicestage" {
  alias      = "keys_and_user_name"
  region     = "cn-north-4"
  access_key = "EMULATORACCESSKEY"
  secret_key = "emulator-secret-key"
  user_name  = "emulator-user"
}
