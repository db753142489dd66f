package api

import "keyferry/shares/manifest"

// signersBody is the clusters, of which there is one. Clients take the first.
type signersBody struct {
	Clusters []clusterBody `json:"clusters"`
}

// clusterBody is the cluster's manifest. Official clients look at clusterId, and of the
// signers at signerId and encryptionKey; the other members let a client that knows the
// signers' identities check that the keys are theirs.
type clusterBody struct {
	ClusterID  string                `json:"clusterId"`
	Deployment string                `json:"deployment"`
	Signers    []manifest.MemberJSON `json:"signers"`
}

// listSigners is GET /signers: to whom the shares of an import are sealed.
func (a *API) listSigners(c *call) (any, error) {
	known, err := a.Transfer.Cluster(c.principal)
	if err != nil {
		return nil, err
	}
	cluster := clusterBody{ClusterID: a.Cluster, Deployment: known.Deployment}
	for _, member := range known.Members {
		cluster.Signers = append(cluster.Signers, member.JSON())
	}
	return signersBody{Clusters: []clusterBody{cluster}}, nil
}
