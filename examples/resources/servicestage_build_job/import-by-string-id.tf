# By job_id
import {
  to = servicestage_build_job.checkout
  id = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
}

# By exact job_name
import {
  to = servicestage_build_job.base_image
  id = "name/base-image"
}
