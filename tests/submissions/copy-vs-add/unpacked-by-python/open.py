import shutil

shutil.unpack_archive("/copied/bundle.tar.gz", "/added")
