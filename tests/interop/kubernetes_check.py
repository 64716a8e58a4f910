# Checks every document of a file against Kubernetes' own schemas; prints kind and name of each.
import sys

import kubernetes_validate
import yaml

path, version = sys.argv[1:]
for document in yaml.safe_load_all(open(path)):
    kubernetes_validate.validate(document, version, strict=True)
    print(document["kind"], document["metadata"]["name"])
