# Region, project and credentials are those of the profile "ci" in ~/.hcloud/config.json.
provider "servicestage" {
  profile = "ci"
}
