# Provider blocks such as those of the documentation and the tests of huaweicloud/huaweicloud. Each of their arguments
# except alias is unsupported.

# Deprecated names of project_id and project_name.
provider "servicestage" {
  alias       = "tenant"
  tenant_id   = "0123456789abcdef"
  tenant_name = "cn-north-4"
}

provider "servicestage" {
  alias = "client_certificate"
  cert  = "client.pem"
  key   = "client-key.pem"
}

provider "servicestage" {
  alias                   = "switches"
  signing_algorithm       = "HmacSM3"
  regional                = true
  enable_force_new        = true
  skip_check_website_type = true
  skip_check_upgrade      = true
}

provider "servicestage" {
  alias = "tags"

  default_tags {
    tags = {
      owner = "terraform"
    }
  }

  ignore_tags {
    keys = ["CreatedBy"]
  }
}
