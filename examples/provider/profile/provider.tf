# Region, project and credentials come from the profile "ci" of ~/.hcloud/config.json
provider "servicestage" {
  profile = "ci"
}
