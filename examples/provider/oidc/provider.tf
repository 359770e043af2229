# The CI system writes its ID token to a file
provider "servicestage" {
  region = "cn-north-4"

  assume_role_with_oidc {
    idp_id        = "acme-ci"
    agency_name   = "terraform"
    domain_id     = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    id_token_file = "/var/run/secrets/ci/token"
  }
}
