package api

// signersBody is the clusters, of which there is one. Clients take the first.
type signersBody struct {
	Clusters []clusterBody `json:"clusters"`
}

type clusterBody struct {
	ClusterID string       `json:"clusterId"`
	Signers   []signerBody `json:"signers"`
}

type signerBody struct {
	SignerID      string `json:"signerId"`      // padded standard base64
	EncryptionKey string `json:"encryptionKey"` // padded standard base64
}

// listSigners is GET /signers: to whom the shares of an import are sealed.
func (a *API) listSigners(c *call) (any, error) {
	infos, err := a.Transfer.Cluster(c.principal)
	if err != nil {
		return nil, err
	}
	cluster := clusterBody{ClusterID: a.Cluster}
	for _, info := range infos {
		cluster.Signers = append(cluster.Signers, signerBody{
			SignerID: info.ID.String(), EncryptionKey: info.EncryptionKey.String(),
		})
	}
	return signersBody{Clusters: []clusterBody{cluster}}, nil
}
