# By job_id
terraform import servicestage_build_job.checkout swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f

# By exact job_name
terraform import servicestage_build_job.base_image name/base-image
